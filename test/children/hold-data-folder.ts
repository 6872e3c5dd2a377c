import { openDataFolder } from '../../data-folder.ts';

// Holds the data folder until it is ended, or says why it cannot.
const [folder = ''] = process.argv.slice(2);
try {
  await openDataFolder(folder);
  process.stdout.write('held\n');
  setInterval(() => {}, 1_000);
} catch (error) {
  process.stdout.write(`${(error as Error).name}: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
