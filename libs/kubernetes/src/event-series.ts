import { KubernetesObject, keyOf } from './objects';

export interface RecordedEvent {
  type: 'Normal' | 'Warning';
  /** Why, one word in CamelCase: `Adopted`. */
  reason: string;
  /** What was done or tried, one word: `Reconcile`. */
  action: string;
  /** A sentence for people; what is beyond 1,024 bytes is cut. */
  note: string;
  related?: KubernetesObject;
}

const LONGEST_NOTE = 1_024;
const LONGEST_WORD = 128;

/** Cluster objects' events live here, as everywhere. */
const NAMESPACE_OF_CLUSTER_OBJECTS = 'default';

/** What makes two events the same one. */
export function seriesKey(object: KubernetesObject, event: RecordedEvent): string {
  const { uid = '' } = object.metadata;
  const related = event.related?.metadata.uid ?? '';
  return [
    object.kind,
    keyOf(object.metadata),
    uid,
    related,
    event.type,
    event.reason,
    event.action,
    event.note,
  ].join('\0');
}

/** One event and how often it was repeated. */
export class EventSeries {
  /** Name of the Event object, once there is one. */
  name: string | undefined;
  count = 1;
  lastAt: number;
  /** Writes of the count so far. */
  writes = 0;
  private writtenCount = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly regarding: object;
  readonly key: string;

  constructor(
    object: KubernetesObject,
    readonly event: RecordedEvent,
    readonly firstAt: number,
  ) {
    this.lastAt = firstAt;
    this.key = seriesKey(object, event);
    this.regarding = referenceTo(object);
    this.objectName = object.metadata.name;
    this.objectKey = keyOf(object.metadata);
    this.namespace = object.metadata.namespace ?? NAMESPACE_OF_CLUSTER_OBJECTS;
  }

  readonly objectName: string;
  readonly objectKey: string;
  readonly namespace: string;

  /** True when the server does not know the count yet. */
  get dirty(): boolean {
    return this.count !== this.writtenCount;
  }

  get hasTimer(): boolean {
    return this.timer !== undefined;
  }

  repeat(now: number): void {
    this.count++;
    this.lastAt = now;
  }

  written(count: number, name?: string): void {
    if (name !== undefined) this.name = name;
    if (this.writtenCount > 0) this.writes++;
    this.writtenCount = count;
  }

  setTimer(ms: number, due: () => void): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      due();
    }, ms);
    // A count is not worth keeping a process alive; `flush` writes it.
    this.timer.unref();
  }

  cancelTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  end(): void {
    this.cancelTimer();
  }

  /** The fields of the Event that say what it is about. */
  body(): {
    type: string;
    reason: string;
    action: string;
    note: string;
    regarding: object;
    related?: object;
  } {
    const { type, reason, action, note, related } = this.event;
    return {
      type,
      reason: reason.slice(0, LONGEST_WORD),
      action: action.slice(0, LONGEST_WORD),
      note: cut(note, LONGEST_NOTE),
      regarding: this.regarding,
      ...(related ? { related: referenceTo(related) } : {}),
    };
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubernetesObject): object {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name, namespace, uid, resourceVersion };
}

/** At most so many bytes, not cut inside a character. */
export function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  const ellipsis = '…';
  let end = bytes - Buffer.byteLength(ellipsis);
  // 10xxxxxx continues a character.
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end--;
  return encoded.subarray(0, end).toString() + ellipsis;
}
