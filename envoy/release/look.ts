// Looks at a proxy for the proof that it serves a generation.

/**
 * One look at a proxy, and a second one if the first shows that every VM has counted the generation. A worker puts a
 * configuration into service in the task after the one that counts it, and a later answer of the main thread comes
 * after that task. So what the second look shows is in service.
 */
export async function lookTwice<Seen>(
  look: () => Promise<Seen>,
  isCounted: (seen: Seen) => boolean,
): Promise<{ seen: Seen; twice: boolean }> {
  const seen = await look();
  return isCounted(seen) ? { seen: await look(), twice: true } : { seen, twice: false };
}
