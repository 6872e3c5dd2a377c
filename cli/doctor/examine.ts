import { checkDataFolder } from './data-folder.ts';
import { checkDatabase } from './database.ts';
import type { Finding } from './finding.ts';
import { checkPublicUrl } from './public-url.ts';
import { checkPorts, checkRunning } from './running.ts';
import { checkNode, checkSettings } from './settings.ts';
import { checkStored } from './stored.ts';
import { checkTemporal } from './temporal.ts';

/**
 * Looks at everything that Postrider needs with these settings, and at the Postrider at the address where one runs. Nothing is
 * made, migrated or registered. What cannot be looked at because something before it is wrong is left out.
 */
export async function examine({
  env,
  url,
  nodeVersion = process.versions.node,
}: {
  env: NodeJS.ProcessEnv;
  /** Where Postrider's API is, or would be. */
  url: string;
  nodeVersion?: string;
}): Promise<Finding[]> {
  const findings = [...checkNode(nodeVersion)];
  const { config, findings: ofSettings } = checkSettings(env);
  findings.push(...ofSettings);
  if (config === undefined) return findings;
  const { running, findings: ofRunning } = await checkRunning(url);
  const isRunning = running === 'postrider';
  findings.push(...ofRunning, ...(await checkPorts(config, running)));
  const { folder, findings: ofFolder } = await checkDataFolder(config, isRunning);
  findings.push(...ofFolder);
  try {
    const { database, findings: ofDatabase } = await checkDatabase(config, { folder, isRunning });
    findings.push(...ofDatabase);
    try {
      if (database !== undefined)
        findings.push(...(await checkStored(config, database, { folder, isRunning })));
    } finally {
      await database?.close();
    }
  } finally {
    folder?.release();
  }
  findings.push(...(await checkTemporal(config, isRunning)), ...(await checkPublicUrl(config)));
  return findings;
}
