/** User property that marks our snapshots and unfinished datasets with the run that made them. */
export const MARK_PROPERTY = "ctar:run";
