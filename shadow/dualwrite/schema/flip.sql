-- Swap the roles, if this is the moment: the caller's fence stands, nothing is undecided, and the standby has everything.
-- The control row is locked first: nothing is admitted between the look and the swap, and each statement sees what was
-- committed before the lock was had. The answer says why not; then nothing was changed.
CREATE OR REPLACE FUNCTION cutover.journal_flip(from_epoch bigint, fence timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c cutover.control;
BEGIN
    SELECT * INTO STRICT c FROM cutover.control FOR UPDATE;
    IF c.epoch <> from_epoch THEN
        RETURN 'stale_epoch';
    ELSIF c.fenced_until IS DISTINCT FROM fence OR NOT coalesce(fence > clock_timestamp(), false) THEN
        RETURN 'unfenced';
    ELSIF EXISTS (SELECT FROM cutover.journal_entry WHERE state IN ('intent', 'unknown')) THEN
        RETURN 'undecided';
    ELSIF EXISTS (SELECT FROM cutover.journal_entry WHERE state = 'done') OR EXISTS (SELECT FROM cutover.joining) THEN
        RETURN 'behind';
    ELSIF EXISTS (SELECT FROM cutover.journal_entry WHERE state = 'parked')
          OR EXISTS (SELECT FROM cutover.journal_entry WHERE state IN ('diverged', 'abandoned')) THEN
        RETURN 'unresolved';
    END IF;
    UPDATE cutover.control SET epoch = c.epoch + 1, active = c.standby, standby = c.active, fenced_until = NULL;
    RETURN 'flipped';
END $$;
