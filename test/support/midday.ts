/**
 * A time zone in which it is about noon: what happens while a test runs happens on one day there, whenever that is. Its
 * offset never changes.
 */
export function zoneAtMidday(now = new Date()): { name: string; offsetMinutes: number } {
  const ahead = 12 - now.getUTCHours();
  // Etc/GMT-3 is three hours ahead of UTC: the signs are those of POSIX.
  const name = ahead === 0 ? 'Etc/GMT' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
  return { name, offsetMinutes: ahead * 60 };
}
