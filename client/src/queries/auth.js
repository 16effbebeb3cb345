import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import api from '../utils/api.js';
import { removeToken, setToken } from '../utils/token.js';

export function useMe() {
  return useQuery({ queryKey: ['me'], queryFn: ({ signal }) => api.get('/auth/me', { signal }) });
}

export function useLogin() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (credentials) => api.post('/auth/login', credentials),
    onSuccess: ({ token }) => {
      client.clear(); // nothing that somebody else has seen on this machine
      setToken(token);
    },
  });
}

// Signed out here in any case: the server keeps no session.
export function useLogout() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => api.post('/auth/logout'),
    onSettled: () => {
      removeToken();
      client.clear();
    },
  });
}
