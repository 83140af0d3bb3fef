// Pictures of the map, asked for once; the latest few are kept.

import { address, bytes } from "../api.js";

const KEPT = 36;

/** Pictures of a release: get(layer, month) gives a promise of an address for the map. */
export function pictures(release) {
  const known = new Map();
  const get = (layer, month) => {
    const where = address(["releases", release, "map", `${layer}.png`], { month });
    if (!known.has(where)) {
      const made = bytes(where).then((blob) => URL.createObjectURL(blob));
      made.catch(() => known.delete(where));
      known.set(where, made);
      if (known.size > KEPT) forget(known.keys().next().value);
    }
    return known.get(where);
  };
  const forget = (where) => {
    const gone = known.get(where);
    known.delete(where);
    gone.then(
      (picture) => URL.revokeObjectURL(picture),
      () => {},
    );
  };
  return { get, leave: () => [...known.keys()].forEach(forget) };
}
