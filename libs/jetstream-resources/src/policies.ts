import { z } from 'zod';
import { OwnFieldTable, SpecOf } from './field';

const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'must be a name of a Kubernetes object');

/** What the controller may do; the same for streams and consumers, and no part of the server's configuration. */
export const POLICY_FIELDS = {
  managementPolicy: {
    type: z.enum(['Enforce', 'CreateOnly', 'Observe']).meta({ default: 'Enforce' }),
    description:
      'Enforce: made, kept equal and taken back when it drifts. CreateOnly: made when missing, never changed. Observe: only reported on, never written.',
  },
  adoptionPolicy: {
    type: z.enum(['Never', 'IfUnowned', 'Always']).meta({ default: 'IfUnowned' }),
    description:
      'What is done with an object that exists already. Never: it is left alone. IfUnowned: it is taken over unless somebody has marked it. Always: it is taken over from its owner too.',
  },
  deletionPolicy: {
    type: z.enum(['Retain', 'Delete']).meta({ default: 'Retain' }),
    description:
      'What becomes of the object in JetStream when this resource is deleted. Retain: it stays, with its messages. Delete: it is deleted, a stream with messages only when that is forced.',
  },
  recreatePolicy: {
    type: z.enum(['Always', 'Never']).meta({ default: 'Always' }),
    description:
      'What is done when the object has been deleted by somebody else. Always: it is made again. Never: it is reported as Missing.',
  },
  connection: {
    type: z.strictObject({
      name: objectName.describe('Name of the Connection.'),
      namespace: objectName
        .max(63)
        .optional()
        .describe('Its namespace; this one when not given. It has to allow this namespace.'),
    }),
    description: 'The Connection to use; the connection that the controller was started with when not given.',
  },
} as const satisfies OwnFieldTable;

export type PolicySpec = SpecOf<typeof POLICY_FIELDS>;

/** What may be done, with nothing left open. */
export interface Policies {
  readonly managementPolicy: NonNullable<PolicySpec['managementPolicy']>;
  readonly adoptionPolicy: NonNullable<PolicySpec['adoptionPolicy']>;
  readonly deletionPolicy: NonNullable<PolicySpec['deletionPolicy']>;
  readonly recreatePolicy: NonNullable<PolicySpec['recreatePolicy']>;
}

export const DEFAULT_POLICIES: Policies = {
  managementPolicy: 'Enforce',
  adoptionPolicy: 'IfUnowned',
  deletionPolicy: 'Retain',
  recreatePolicy: 'Always',
};

/** The policies of a spec, with the defaults where it names none. */
export function policiesOf(spec: PolicySpec): Policies {
  return {
    managementPolicy: spec.managementPolicy ?? DEFAULT_POLICIES.managementPolicy,
    adoptionPolicy: spec.adoptionPolicy ?? DEFAULT_POLICIES.adoptionPolicy,
    deletionPolicy: spec.deletionPolicy ?? DEFAULT_POLICIES.deletionPolicy,
    recreatePolicy: spec.recreatePolicy ?? DEFAULT_POLICIES.recreatePolicy,
  };
}
