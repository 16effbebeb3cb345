import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import api, { extractPaginationData } from '../utils/api.js';

export const PAGE_SIZE = 20;

export function useCadets({ page, search }) {
  const params = { page, limit: PAGE_SIZE, ...(search && { search }) };
  return useQuery({
    queryKey: ['cadets', params],
    queryFn: async ({ signal }) => extractPaginationData(await api.get('/cadets', { params, signal })),
    placeholderData: keepPreviousData,
  });
}

// `me` is the signed-in cadet's own row.
export function useCadet(id) {
  return useQuery({
    queryKey: ['cadet', id],
    queryFn: ({ signal }) => api.get(`/cadets/${encodeURIComponent(id)}`, { signal }),
  });
}

export function useSaveCadet(id) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: save,
    onSuccess: (saved) => {
      client.setQueryData(['cadet', id], saved);
      return client.invalidateQueries({ queryKey: ['cadets'] });
    },
  });
}

// The legacy backend answers 200 and an empty object for a cadet that is gone. To ask for it is to be told so.
async function save({ cadet, changes }) {
  const saved = await api.patch(`/cadets/${cadet.id}`, changes);
  return saved.id ? saved : api.get(`/cadets/${cadet.id}`);
}
