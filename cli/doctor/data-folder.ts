import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../config.ts';
import { type DataFolder, openDataFolder } from '../../data-folder.ts';
import { type Finding, findingsOf, messageOf } from './finding.ts';

const megabyte = 1024 * 1024;
/** With less the embedded database takes nothing (db/disk-room.ts). */
const leastRoom = 64 * megabyte;
const littleRoom = 1024 * megabyte;

export interface ExaminedFolder {
  findings: Finding[];
  /** Ours until it is released; undefined where it is not there, another process has it, or it does not do. */
  folder: DataFolder | undefined;
}

/** The data folder, where the settings need one. Nothing is made, and it is taken only where nobody has it. */
export async function checkDataFolder(config: Config, isRunning: boolean): Promise<ExaminedFolder> {
  const finding = findingsOf('data folder');
  const path = config.DATA_DIR;
  if (config.DATABASE_URL !== undefined && config.TEMPORAL_ADDRESS !== undefined) {
    return { folder: undefined, findings: [finding.ok('none is needed')] };
  }
  if (!existsSync(path)) {
    const parent = existingParent(path);
    const findings = mayWrite(parent)
      ? [finding.ok(`${path} will be made at the first start`)]
      : [
          finding.problem(
            `${path} cannot be made: ${parent} may not be written`,
            'set DATA_DIR to another folder',
          ),
        ];
    return { folder: undefined, findings };
  }
  const room = roomFindings(path);
  try {
    const folder = await openDataFolder(path);
    return { folder, findings: [finding.ok(path), ...modeFindings(path), ...room] };
  } catch (error) {
    const isInUse = error instanceof Error && error.name === 'DataFolderInUse';
    if (isInUse && isRunning) {
      return {
        folder: undefined,
        findings: [finding.ok(`${path} is in use by the Postrider that runs`), ...room],
      };
    }
    const advice = isInUse
      ? 'stop that Postrider, or set DATA_DIR to another folder'
      : 'set DATA_DIR to a folder of its own';
    return { folder: undefined, findings: [finding.problem(messageOf(error), advice)] };
  }
}

function roomFindings(path: string): Finding[] {
  const finding = findingsOf('disk');
  const { bavail, bsize } = statfsSync(path);
  const room = bavail * bsize;
  const detail = `${Math.floor(room / megabyte)} MB are free`;
  if (room < leastRoom)
    return [finding.problem(detail, 'make room: with less than 64 MB nothing is taken in')];
  if (room < littleRoom)
    return [finding.warning(detail, 'make room, or keep events for fewer days (RETENTION_DAYS)')];
  return [finding.ok(detail)];
}

function modeFindings(path: string): Finding[] {
  const isOpen = process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0;
  if (!isOpen) return [];
  return [
    findingsOf('data folder').warning(
      'others on this machine may look into it, and it holds the encryption key',
      `chmod 700 ${path}`,
    ),
  ];
}

function existingParent(path: string): string {
  const parent = dirname(path);
  return existsSync(parent) || parent === path ? parent : existingParent(parent);
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
