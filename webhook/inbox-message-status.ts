/** The statuses that follow each other; deleted and expired end them. */
const order = ['available', 'delivered', 'read'];
const final = ['deleted', 'expired'];

/** Whether an App Inbox message of the one status may get the other: forwards only, and nothing follows a final one. */
export function mayBecome(from: string, to: string): boolean {
  if (final.includes(from)) return false;
  return final.includes(to) || order.indexOf(to) > order.indexOf(from);
}
