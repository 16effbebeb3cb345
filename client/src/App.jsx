import { Navigate, Route, Routes } from 'react-router';

import { Layout } from './components/Layout.jsx';
import { CadetPage } from './pages/CadetPage.jsx';
import { CadetsPage } from './pages/CadetsPage.jsx';
import { HomePage } from './pages/HomePage.jsx';
import { LoginPage } from './pages/LoginPage.jsx';
import { NotFoundPage } from './pages/NotFoundPage.jsx';
import { SettingsPage } from './pages/SettingsPage.jsx';
import { LOGIN_PATH } from './utils/navigation.js';
import { getToken } from './utils/token.js';

export function App() {
  return (
    <Routes>
      <Route path={LOGIN_PATH} element={<LoginPage />} />
      <Route element={<SignedIn />}>
        <Route index element={<HomePage />} />
        <Route path="cadets" element={<CadetsPage />} />
        <Route path="cadets/:id" element={<CadetPage />} />
        <Route path="settings" element={<SettingsPage />} />
        <Route path="*" element={<NotFoundPage />} />
      </Route>
    </Routes>
  );
}

function SignedIn() {
  return getToken() ? <Layout /> : <Navigate to={LOGIN_PATH} replace />;
}
