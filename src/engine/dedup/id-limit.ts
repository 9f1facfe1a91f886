/** What is said when ids have to be forgotten before their time. */
import type { Limits } from "../../base/limits.js";
import type { Logger } from "../../base/logger.js";
import type { Catalog } from "../meta.js";
import type { IdWindow, IdWindowLimit } from "./id-window.js";

export interface IdLimitParts {
  readonly limits: Limits;
  readonly logger: Logger;
  readonly catalog: Catalog;
}

export function idLimitOf({ limits, logger, catalog }: IdLimitParts): IdWindowLimit {
  const idsMax = limits.dedupIdsMax;
  const reached = ({ place, windowMs }: IdWindow): void => {
    const channel = [...catalog.channels].find(
      ({ id, groups }) => id === place.owner || [...groups.values()].some((group) => group.id === place.owner),
    );
    logger.warn(
      { channel: channel?.spec.name, limit: "dedupIdsMax", most: idsMax, windowMs },
      "the oldest ids are forgotten before their time: sent again they are stored again, done again they are handled again; shorten the window, or raise the limit",
    );
  };
  return { idsMax, reached };
}
