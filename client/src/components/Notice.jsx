import { useEffect, useState } from 'react';

import socket from '../utils/websocket.js';

/** The newest notification that the server pushed. */
export function Notice() {
  const [notification, setNotification] = useState(null);
  useEffect(() => {
    socket.connect('/ws/notifications/', (frame) => {
      if (frame?.type === 'notification') setNotification(frame.data);
    });
    return () => socket.disconnect();
  }, []);
  return (
    <div role="status">
      {notification && (
        <p className="notice">
          {notification.message}{' '}
          <button type="button" className="quiet" onClick={() => setNotification(null)}>
            Dismiss
          </button>
        </p>
      )}
    </div>
  );
}
