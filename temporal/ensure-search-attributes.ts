import type { Connection } from '@temporalio/client';
import type { SearchAttributes } from './search-attributes.ts';

/** Of IndexedValueType in temporal.api.enums.v1. */
const valueTypes = { Keyword: 2, KeywordList: 7 } as const;

/**
 * Registers the search attributes that the namespace lacks: the development server registers those of its
 * command line with a new namespace only. Resolves to whether all were there already.
 */
export async function ensureSearchAttributes(
  { operatorService }: Pick<Connection, 'operatorService'>,
  namespace: string,
  attributes: SearchAttributes,
): Promise<boolean> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(attributes).filter(([name]) => !(name in customAttributes));
  if (missing.length === 0) return true;
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, valueTypes[type]])),
  });
  return false;
}
