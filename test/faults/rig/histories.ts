import { Client, Connection, type ConnectionOptions } from '@temporalio/client';

/** Where a system's workflows are. */
export interface WorkflowsPlace {
  readonly connection: ConnectionOptions;
  readonly taskQueue: string;
}

const atOnce = 16;

/** How many histories there are, and which of the texts are in one of them: in plain or as a payload. */
export async function searchHistories(
  { connection: options, taskQueue }: WorkflowsPlace,
  texts: readonly string[],
): Promise<{ histories: number; found: string[] }> {
  const connection = await Connection.connect(options);
  try {
    const { workflow } = new Client({ connection });
    const found = new Set<string>();
    let histories = 0;
    const executions = workflow.list({ query: `TaskQueue = "${taskQueue}"` })[Symbol.asyncIterator]();
    const search = async () => {
      for (let next = await executions.next(); !next.done; next = await executions.next()) {
        const { workflowId, runId } = next.value;
        const history = JSON.stringify(await workflow.getHandle(workflowId, runId).fetchHistory());
        const readable = `${history}\n${decodedPayloads(history)}`;
        histories += 1;
        for (const text of texts) if (readable.includes(text)) found.add(text);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, search));
    return { histories, found: [...found] };
  } finally {
    await connection.close();
  }
}

/** Payloads are base64 in JSON. */
function decodedPayloads(json: string): string {
  return [...json.matchAll(/"([A-Za-z0-9+/]{8,}=*)"/g)]
    .map(([, data = '']) => Buffer.from(data, 'base64').toString('utf8'))
    .join('\n');
}
