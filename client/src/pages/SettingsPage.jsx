import { Answer } from '../components/Answer.jsx';
import { ErrorNote } from '../components/ErrorNote.jsx';
import { PasswordForm } from '../components/PasswordForm.jsx';
import { useSaveSettings, useSettings } from '../queries/settings.js';

const SWITCHES = [
  ['emailAlerts', 'E-mail alerts'],
  ['pushNotifications', 'Push notifications'],
  ['activityUpdates', 'Updates on activities'],
  ['darkMode', 'Dark mode'],
  ['compactMode', 'Compact lists'],
];
const COLORS = ['blue', 'green', 'red', 'purple', 'orange'];

export function SettingsPage() {
  return (
    <>
      <h1>Settings</h1>
      <Answer query={useSettings()}>{(settings) => <Preferences settings={settings} />}</Answer>
      <PasswordForm />
    </>
  );
}

/** Each change is saved at once. What is shown is what the server has. */
function Preferences({ settings }) {
  const save = useSaveSettings();
  const shown = save.isPending ? { ...settings, ...save.variables } : settings;
  return (
    <fieldset className="card">
      <legend>Preferences</legend>
      {SWITCHES.map(([name, label]) => (
        <label key={name} className="switch">
          <input type="checkbox" checked={shown[name]} onChange={(event) => save.mutate({ [name]: event.target.checked })} />
          {label}
        </label>
      ))}
      <label className="switch">
        Colour
        <select value={shown.primaryColor} onChange={(event) => save.mutate({ primaryColor: event.target.value })}>
          {choices(shown.primaryColor).map((color) => (
            <option key={color}>{color}</option>
          ))}
        </select>
      </label>
      {save.isError && <ErrorNote error={save.error} />}
    </fieldset>
  );
}

// A stored colour that this page does not know is offered too, so that the list never shows another one in its place.
function choices(stored) {
  return COLORS.includes(stored) ? COLORS : [stored, ...COLORS];
}
