/** Runs that are shown before somebody asks for more. */
export const SHOWN_RUNS = 10;

/**
 * Puts the newest runs before those that were read earlier. Where there may be others in between, the earlier ones are
 * left out, to be read again.
 */
export function withEarlier(newest, earlier) {
    const known = new Set(newest.runs.map(({ id }) => id));
    const left = earlier ? earlier.runs.filter(({ id }) => !known.has(id)) : [];
    if (left.length === 0 || left.length === earlier.runs.length) {
        return newest;
    }
    return { ...newest, runs: [...newest.runs, ...left], olderRuns: earlier.olderRuns };
}
