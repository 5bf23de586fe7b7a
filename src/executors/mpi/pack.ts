/** Plain data (numbers, words, tensors, arrays and records of such) as one message of whole numbers of doubles. */
export function pack(value: unknown): Float64Array {
  const bytes = serializer().serialize(value);
  const message = new Float64Array(1 + Math.ceil(bytes.length / 8));
  message[0] = bytes.length;
  new Uint8Array(message.buffer, 8).set(bytes);
  return message;
}

/** The data of a message. What was one object in two places is one again. */
export const unpack = (message: Float64Array): unknown =>
  serializer().deserialize(new Uint8Array(message.buffer, message.byteOffset + 8, message[0]!));

/** The structured clone of Node, which copies arrays as they are. */
const serializer = () => process.getBuiltinModule("v8");
