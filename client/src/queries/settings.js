import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import api from '../utils/api.js';

const KEY = ['settings'];

export function useSettings() {
  return useQuery({ queryKey: KEY, queryFn: ({ signal }) => api.get('/auth/settings', { signal }) });
}

export function useSaveSettings() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (changes) => api.put('/auth/settings', changes),
    onSuccess: (saved) => client.setQueryData(KEY, saved),
  });
}

export function useChangePassword() {
  return useMutation({ mutationFn: (passwords) => api.put('/auth/password', passwords) });
}
