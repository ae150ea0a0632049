export {
  type AggregateAppend,
  type AppendedEvent,
  type AppendResult,
  type EventMetadata,
  eventMetadataSchema,
  type ExpectedVersion,
  type NewEvent,
  type RecordedEvent,
} from './event';
export {
  decodeData,
  defineEvent,
  type EventDefinition,
  UndecodableEvent,
  type UpcastContext,
} from './event-definition';
export {
  decodeOrderEvent,
  encodeOrderEvent,
  ORDER_EVENTS,
  type OrderEvent,
  type OrderEventData,
  type OrderEventName,
  orderEventName,
} from './order-events';
export {
  DEAD_LETTER_AGGREGATE,
  DEAD_LETTER_EVENTS,
  type DeadLetterEventName,
  type ParkedDeadLetter,
  PARKING_REASONS,
} from './dead-letter-events';
export {
  type DeadLetter,
  type DeadLetterEntry,
  deadLetterEventName,
  DeadLetterFold,
  type DeadLetterState,
  decodeDeadLetterEvent,
  foldDeadLetters,
  isOpen,
} from './dead-letters';
export {
  type DeadLetterDecision,
  type DeadLetterStep,
  decideDiscard,
  decideHandled,
  decideRedrive,
  type Decider,
  waitsBehind,
} from './decide-dead-letters';
export { EVENT_TYPE_PATTERN, faultOfEventType, faultOfId, LIMITS } from './limits';
export {
  CONSUMERS,
  filterSubjects,
  jetStream,
  LOGS,
  partitionOf,
  PARTITIONS,
  relayWakeSubject,
  streamSubject,
  subjectOf,
} from './subjects';
export {
  decodeHeaderValue,
  encodeHeaderValue,
  eventOfMessage,
  HEADERS,
  headersOf,
  MalformedMessage,
} from './message-headers';
export {
  type Currency,
  DEFAULT_CURRENCY,
  exponentOf,
  formatMoney,
  isCurrency,
  MAX_MINOR,
  type Money,
  MoneyError,
  parseMoney,
} from './money';
export { type Fault, type ProblemCode, type ProblemDetails, PROBLEMS, problemType } from './problems';
export { STORE_ERROR_DOMAIN, STORE_REASONS, type StoreReason } from './store-errors';
export { NATS_USERS, type NatsPermissions, type NatsUserName } from './nats-users';
