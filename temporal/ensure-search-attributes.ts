import type { Connection } from '@temporalio/client';
import { grpcStatus, grpcStatusOf } from './grpc-status.ts';
import { TemporalNotUsable } from './not-usable.ts';
import type { SearchAttributes } from './search-attributes.ts';

/** Of IndexedValueType in temporal.api.enums.v1. */
const valueTypes = { Keyword: 2, KeywordList: 7 } as const;

/** Whoever is not an operator is answered so; Temporal Cloud has no operators. */
const refusals: readonly (number | undefined)[] = [
  grpcStatus.permissionDenied,
  grpcStatus.unimplemented,
  grpcStatus.unauthenticated,
];

type Services = Pick<Connection, 'operatorService' | 'workflowService'>;

/**
 * Registers the search attributes that the namespace lacks: the development server registers those of its
 * command line with a new namespace only. Resolves to whether all were there already.
 * @throws TemporalNotUsable when some are missing and may not be registered, or are of another type
 */
export async function ensureSearchAttributes(
  services: Services,
  namespace: string,
  attributes: SearchAttributes,
): Promise<boolean> {
  const missing = await findMissingSearchAttributes(services, namespace, attributes);
  if (missing.length === 0) return true;
  const wanted = Object.entries(attributes).filter(([name]) => missing.includes(name));
  try {
    await services.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(wanted.map(([name, type]) => [name, valueTypes[type]])),
    });
  } catch (error) {
    if (!refusals.includes(grpcStatusOf(error))) throw error;
    throw new TemporalNotUsable(instruction(namespace, wanted));
  }
  return false;
}

/** The names of those that the namespace lacks. @throws TemporalNotUsable when some are of another type */
export async function findMissingSearchAttributes(
  services: Services,
  namespace: string,
  attributes: SearchAttributes,
): Promise<string[]> {
  const found = await listed(services, namespace);
  if (found === undefined) return unknownToQueries(services, namespace, Object.keys(attributes));
  const missing: string[] = [];
  for (const [name, type] of Object.entries(attributes)) {
    if (!(name in found)) missing.push(name);
    else if (found[name] !== valueTypes[type]) {
      throw new TemporalNotUsable(
        `the search attribute ${name} of Temporal's namespace ${namespace} is not of the type ${type}: remove it there, or set TEMPORAL_NAMESPACE to another`,
      );
    }
  }
  return missing;
}

/** Undefined where we may not ask. */
async function listed(
  { operatorService }: Services,
  namespace: string,
): Promise<Record<string, unknown> | undefined> {
  try {
    return (await operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
  } catch (error) {
    if (refusals.includes(grpcStatusOf(error))) return undefined;
    throw error;
  }
}

/** Whoever may not ask for the names may still use them. */
async function unknownToQueries(
  { workflowService }: Services,
  namespace: string,
  names: readonly string[],
): Promise<string[]> {
  const unknown = await Promise.all(
    names.map(async (name) => {
      try {
        await workflowService.countWorkflowExecutions({ namespace, query: `${name} = 'none'` });
        return [];
      } catch (error) {
        if (grpcStatusOf(error) === grpcStatus.invalidArgument) return [name];
        throw error;
      }
    }),
  );
  return unknown.flat();
}

function instruction(namespace: string, missing: readonly (readonly [name: string, type: string])[]): string {
  const options = missing.map(([name, type]) => `--name ${name} --type ${type}`).join(' ');
  const cloudOptions = missing.map(([name, type]) => `--sa ${name}=${type}`).join(' ');
  return `Temporal's namespace ${namespace} lacks search attributes, and does not let Postrider register them. Have somebody run
  temporal operator search-attribute create --namespace ${namespace} ${options}
or, for Temporal Cloud,
  tcld namespace search-attributes add --namespace ${namespace} ${cloudOptions}`;
}
