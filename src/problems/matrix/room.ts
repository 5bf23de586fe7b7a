import { orthonormalize } from "../../ttn/gauge.ts";
import { leavesTangentSpace, roomFor } from "../../ttn/room.ts";
import type { TTN } from "../../ttn/ttn.ts";

/** The start with the bases of a source, of amplitude zero, when the source leaves the tangent space there. */
export function withRoom(start: TTN, source: TTN): TTN {
  const f = orthonormalize(source);
  return leavesTangentSpace(start, f) ? roomFor(start, f) : start;
}
