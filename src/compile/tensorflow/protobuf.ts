import {BinaryWriter, WireType} from '@bufbuild/protobuf/wire';

/** Writes a message in the wire format of protocol buffers, field by field. */
export class MessageWriter {
  private readonly writer = new BinaryWriter();

  /** An integer, an enum or a bool. */
  integer(field: number, value: number | boolean): this {
    this.writer.tag(field, WireType.Varint).int64(Number(value));
    return this;
  }

  /** A float of 32 bits. */
  float(field: number, value: number): this {
    this.writer.tag(field, WireType.Bit32).float(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.writer.tag(field, WireType.LengthDelimited).bytes(value);
    return this;
  }

  text(field: number, value: string): this {
    this.writer.tag(field, WireType.LengthDelimited).string(value);
    return this;
  }

  message(field: number, write: (message: this) => void): this {
    this.writer.tag(field, WireType.LengthDelimited).fork();
    write(this);
    this.writer.join();
    return this;
  }

  /** An entry of a map with names. */
  entry(field: number, name: string, write: (message: this) => void): this {
    return this.message(field, (entry) => entry.text(1, name).message(2, write));
  }

  /** What was written. */
  finish(): Uint8Array {
    return this.writer.finish();
  }
}
