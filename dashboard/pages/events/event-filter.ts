import type { EventFilter } from '../../api/events.ts';
import { useAddressFilter } from '../../ui/use-address-filter.ts';

const names = ['type', 'channel', 'status', 'since', 'until', 'q'] as const;

export const useEventFilter = () => useAddressFilter<keyof EventFilter>(names);
