import type { StreamConfig } from '@nats-io/jetstream';
import { streamSubject } from '@headwater/contracts';

/** What the client's types do not know yet. */
type KnownConfig = Partial<StreamConfig> & { allow_msg_schedules?: boolean };

/**
 * Everything in a stream's configuration that breaks "sequence = position": what stores messages of others, stores
 * messages by itself, changes or drops what is published, or leaves publishes unanswered.
 *
 * @param firstSequence the sequence that the stream is declared to begin with
 * @returns one sentence per fault; empty when the stream is fit
 */
export function faultsOfStream(config: KnownConfig, log: string, firstSequence: number): string[] {
  const wanted = streamSubject(log);
  const subjects = config.subjects ?? [];
  const faults: [boolean, string][] = [
    [(config.sources?.length ?? 0) > 0, 'it has sources'],
    [config.mirror !== undefined, 'it is a mirror'],
    [config.subject_transform !== undefined, 'it transforms subjects'],
    [config.no_ack === true, 'it does not acknowledge (no_ack)'],
    [(config.subject_delete_marker_ttl ?? 0) > 0, 'it writes delete markers'],
    [config.allow_msg_ttl === true, 'it takes messages with a time to live (allow_msg_ttl)'],
    [config.allow_msg_schedules === true, 'it takes schedules (allow_msg_schedules)'],
    [config.allow_msg_counter === true, 'it is a counter (allow_msg_counter)'],
    [config.allow_rollup_hdrs === true, 'it takes roll-ups, which remove messages (allow_rollup_hdrs)'],
    [config.sealed === true, 'it is sealed'],
    [
      subjects.length !== 1 || subjects[0] !== wanted,
      `its subjects are ${JSON.stringify(subjects)} instead of ["${wanted}"]`,
    ],
    [
      Math.max(1, config.first_seq ?? 0) !== firstSequence,
      `it is made to begin at sequence ${config.first_seq ?? 0} instead of ${firstSequence}`,
    ],
  ];
  return faults.flatMap(([broken, fault]) => (broken ? [fault] : []));
}

/** True when messages may go by a declared limit; without one, a message that is gone was taken away. */
export function expires(config: KnownConfig): boolean {
  return (
    config.retention !== 'limits' ||
    (config.max_age ?? 0) > 0 ||
    (config.max_bytes ?? -1) > 0 ||
    (config.max_msgs ?? -1) > 0 ||
    (config.max_msgs_per_subject ?? -1) > 0
  );
}
