/** A command that could not do what was asked; the message is one sentence that says what to do. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
