import type { Connection } from '@temporalio/client';

/** INDEXED_VALUE_TYPE_KEYWORD_LIST of temporal.api.enums.v1. */
const keywordList = 7;

/**
 * Registers the search attributes (KeywordLists) that the namespace lacks: the development server registers those of its
 * command line with a new namespace only. Resolves to whether all were there already.
 */
export async function ensureSearchAttributes(
  { operatorService }: Pick<Connection, 'operatorService'>,
  namespace: string,
  names: readonly string[],
): Promise<boolean> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = names.filter((name) => !(name in customAttributes));
  if (missing.length === 0) return true;
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, keywordList])),
  });
  return false;
}
