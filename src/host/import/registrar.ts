/** How a container becomes known once its data is in place: by files that osctld reads at its next start, or by the osctld that runs. */
import type { ImportPlan } from "./import-plan.ts";

/** A container with its data in place. */
export interface ReadyContainer {
  plan: ImportPlan;
  /** The dataset; undefined in a directory pool. */
  dataset: string | undefined;
  /** container.yml as it is to be. */
  config: string;
  /** Datasets that still need their id maps, as the ZFS here has none. */
  unmapped: readonly string[];
}

/** Makes containers known. */
export interface Registrar {
  /** Checks that the id is free. @throws ToolError exists */
  check(id: string): Promise<void>;
  /** Does something while no other import of ours can change what the pool holds. */
  exclusively(action: () => Promise<void>): Promise<void>;
  /** Makes users, groups and at last the container. */
  register(container: ReadyContainer): Promise<void>;
}
