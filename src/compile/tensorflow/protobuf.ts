/** Blobs of so many bytes are kept as they are until the message is written: constants may be large. */
const BLOB = 4096;

/**
 * Writes a message in the wire format of protocol buffers, field by field. It is as much of the format as a SavedModel takes; a library for all
 * of it could be had, but only asynchronously where it is optional, and `jit` compiles synchronously.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class MessageWriter {
  private readonly parts: Uint8Array[] = [];
  private pending: number[] = [];
  private flushed = 0;

  /** Bytes that were written. */
  get length(): number {
    return this.flushed + this.pending.length;
  }

  /** An integer, an enum or a bool. */
  integer(field: number, value: number | boolean): this {
    this.tag(field, 0);
    this.varint(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  /** A float of 32 bits. */
  float(field: number, value: number): this {
    this.tag(field, 5);
    this.append(new Uint8Array(new Float32Array([value]).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.tag(field, 2);
    this.varint(BigInt(value.length));
    this.append(value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, write: (message: MessageWriter) => void): this {
    const message = new MessageWriter();
    write(message);
    this.tag(field, 2);
    this.varint(BigInt(message.length));
    for (const part of message.finished()) this.append(part);
    return this;
  }

  /** An entry of a map with names. */
  entry(field: number, name: string, write: (message: MessageWriter) => void): this {
    return this.message(field, (entry) => entry.text(1, name).message(2, write));
  }

  /** What was written, in parts. */
  finished(): readonly Uint8Array[] {
    this.flush();
    return this.parts;
  }

  private tag(field: number, wireType: number): void {
    this.varint(BigInt(field * 8 + wireType));
  }

  private varint(value: bigint): void {
    let rest = value;
    for (; rest > 127n; rest >>= 7n) this.pending.push(Number(rest & 127n) | 128);
    this.pending.push(Number(rest));
  }

  private append(bytes: Uint8Array): void {
    if (bytes.length < BLOB) {
      for (const byte of bytes) this.pending.push(byte);
      return;
    }
    this.flush();
    this.parts.push(bytes);
    this.flushed += bytes.length;
  }

  private flush(): void {
    if (this.pending.length === 0) return;
    this.parts.push(Uint8Array.from(this.pending));
    this.flushed += this.pending.length;
    this.pending = [];
  }
}
