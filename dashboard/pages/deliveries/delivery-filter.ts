import type { DeliveryFilter } from '../../api/deliveries.ts';
import { useAddressFilter } from '../../ui/use-address-filter.ts';

const names = ['status', 'webhook_id', 'type', 'channel', 'event_id', 'since', 'until', 'q'] as const;

export const useDeliveryFilter = () => useAddressFilter<keyof DeliveryFilter>(names);
