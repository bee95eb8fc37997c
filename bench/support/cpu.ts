import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second towards user programs, whatever the kernel uses within. */
const msPerTick = 10;

interface Usage {
  pid: number;
  parent: number;
  ms: number;
}

/**
 * CPU time that a process and those below it have used so far, ended ones included, in ms; null where the system does
 * not tell (it is read from /proc).
 */
export function cpuMs(pid: number): number | null {
  const processes = readAll();
  const own = processes.find((one) => one.pid === pid);
  if (own === undefined) return null;
  const children = processes.filter((one) => one.parent === pid);
  return children.reduce((sum, child) => sum + child.ms, own.ms);
}

function readAll(): Usage[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readOne(Number(name)) ?? []);
  } catch {
    return [];
  }
}

/** Fields after the name in parentheses, which may hold spaces: see proc_pid_stat(5). */
function readOne(pid: number): Usage | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15).map(Number);
    return { pid, parent: Number(fields[1]), ms: (user + system + endedUser + endedSystem) * msPerTick };
  } catch {
    // It has ended in the meantime.
    return null;
  }
}
