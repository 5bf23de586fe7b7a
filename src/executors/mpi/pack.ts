import { mapped } from "../shared-data.ts";

/**
 * Plain data (numbers, words, tensors, arrays and records of such) as one message: how many bytes and arrays, the lengths of the arrays, the
 * data with empty arrays, then the arrays as they are.
 */
export function pack(value: unknown): Float64Array {
  const arrays: Float64Array[] = [];
  const rest = serializer().serialize(
    mapped(value, (array) => {
      arrays.push(array);
      return new Float64Array(0);
    }),
  );
  const words = Math.ceil(rest.length / 8);
  const message = new Float64Array(arrays.reduce((sum, array) => sum + array.length, 2 + arrays.length + words));
  message.set([rest.length, arrays.length, ...arrays.map((array) => array.length)]);
  let at = 2 + arrays.length;
  new Uint8Array(message.buffer, 8 * at).set(rest);
  at += words;
  for (const array of arrays) {
    message.set(array, at);
    at += array.length;
  }
  return message;
}

/** The data of a message; its arrays are views of it. What was one object in two places is one again. */
export function unpack(message: Float64Array): unknown {
  const [bytes, count] = message as unknown as [number, number];
  let next = 2;
  let at = 2 + count + Math.ceil(bytes / 8);
  const rest = serializer().deserialize(new Uint8Array(message.buffer, message.byteOffset + 8 * (2 + count), bytes));
  return mapped(rest, () => {
    const length = message[next++]!;
    at += length;
    return message.subarray(at - length, at);
  });
}

/** The structured clone of Node. */
const serializer = () => process.getBuiltinModule("v8");
