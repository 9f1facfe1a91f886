import type { Pitfall } from "../pitfall.js";

export const idleMembers: Pitfall = {
  look({ spec, groups }) {
    if (spec.kind !== "stream") return undefined;
    const group = groups.find(({ members }) => members > spec.partitions);
    if (group === undefined) return undefined;
    return {
      what: `its group "${group.name}" has ${group.members} members and it has ${spec.partitions} partitions: ${group.members - spec.partitions} of them have nothing to do`,
      remedy: 'declare more partitions ("millrace plan" says how many), or start fewer members',
    };
  },
};
