import { useEffect } from 'react';

import { useSettings } from '../queries/settings.js';

// The style sheet reads these attributes. Without a setting the system's own light or dark holds.
export function useAppearance() {
  const { data: settings } = useSettings();
  useEffect(() => {
    if (!settings) return undefined;
    const { dataset } = document.documentElement;
    if (settings.darkMode) dataset.theme = 'dark';
    dataset.density = settings.compactMode ? 'compact' : 'normal';
    dataset.accent = settings.primaryColor;
    return () => ['theme', 'density', 'accent'].forEach((name) => delete dataset[name]);
  }, [settings]);
}
