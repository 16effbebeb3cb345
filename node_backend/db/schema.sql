-- The database of the legacy ROTC Grading System: 19 tables and one join table.
-- It grew over years and is kept as it was found: text where a date would do, 0/1 where a boolean would do,
-- TIMESTAMP WITHOUT TIME ZONE everywhere. Corrections belong to the system it is migrated to.
-- Safe to apply again: nothing here changes a table that exists.

CREATE TABLE IF NOT EXISTS cadets (
    id SERIAL PRIMARY KEY,
    rank TEXT,
    first_name TEXT NOT NULL,
    middle_name TEXT,
    last_name TEXT NOT NULL,
    suffix_name TEXT,
    email TEXT,
    contact_number TEXT,
    address TEXT,
    course TEXT,
    year_level TEXT,
    school_year TEXT,
    battalion TEXT,
    company TEXT,
    platoon TEXT,
    cadet_course TEXT,
    semester TEXT,
    corp_position TEXT,
    gender TEXT,
    religion TEXT,
    birthdate DATE,
    status TEXT DEFAULT 'Ongoing',
    student_id TEXT UNIQUE NOT NULL,
    profile_pic TEXT,
    is_profile_completed BOOLEAN,
    is_archived BOOLEAN,
    created_at TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS staff (
    id SERIAL PRIMARY KEY,
    rank TEXT,
    first_name TEXT NOT NULL,
    middle_name TEXT,
    last_name TEXT NOT NULL,
    suffix_name TEXT,
    email TEXT UNIQUE,
    contact_number TEXT,
    role TEXT DEFAULT 'Instructor',
    afpsn TEXT,
    birthdate TEXT,
    age INTEGER,
    height TEXT,
    weight TEXT,
    blood_type TEXT,
    address TEXT,
    civil_status TEXT,
    nationality TEXT,
    gender TEXT,
    is_profile_completed BOOLEAN,
    is_archived BOOLEAN,
    created_at TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS users (
    id SERIAL PRIMARY KEY,
    username TEXT UNIQUE NOT NULL,
    email TEXT,
    password TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'cadet', 'training_staff')),
    first_name TEXT,
    last_name TEXT,
    is_active BOOLEAN DEFAULT true,
    is_staff BOOLEAN DEFAULT false,
    is_approved INTEGER,
    cadet_id INTEGER REFERENCES cadets(id) ON DELETE CASCADE,
    staff_id INTEGER REFERENCES staff(id) ON DELETE CASCADE,
    profile_pic TEXT,
    last_seen TIMESTAMP,
    created_at TIMESTAMP DEFAULT now(),
    updated_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS user_settings (
    user_id INTEGER PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
    email_alerts BOOLEAN DEFAULT true,
    push_notifications BOOLEAN DEFAULT true,
    activity_updates BOOLEAN DEFAULT true,
    dark_mode BOOLEAN DEFAULT false,
    compact_mode BOOLEAN DEFAULT false,
    primary_color TEXT DEFAULT 'blue'
);

CREATE TABLE IF NOT EXISTS training_days (
    id SERIAL PRIMARY KEY,
    date TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    created_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS attendance (
    id SERIAL PRIMARY KEY,
    training_day_id INTEGER NOT NULL REFERENCES training_days(id) ON DELETE CASCADE,
    cadet_id INTEGER NOT NULL REFERENCES cadets(id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('present', 'absent', 'late', 'excused')),
    remarks TEXT,
    time_in TEXT,
    time_out TEXT,
    created_at TIMESTAMP,
    UNIQUE (training_day_id, cadet_id)
);

CREATE TABLE IF NOT EXISTS staff_attendance (
    id SERIAL PRIMARY KEY,
    training_day_id INTEGER NOT NULL REFERENCES training_days(id) ON DELETE CASCADE,
    staff_id INTEGER NOT NULL REFERENCES staff(id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('present', 'absent', 'late', 'excused')),
    remarks TEXT,
    time_in TEXT,
    time_out TEXT,
    created_at TIMESTAMP,
    UNIQUE (training_day_id, staff_id)
);

CREATE TABLE IF NOT EXISTS excuse_letters (
    id SERIAL PRIMARY KEY,
    cadet_id INTEGER REFERENCES cadets(id) ON DELETE CASCADE,
    training_day_id INTEGER REFERENCES training_days(id) ON DELETE CASCADE,
    date_absent DATE NOT NULL,
    reason TEXT,
    file_url TEXT,
    status TEXT DEFAULT 'pending',
    created_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS activities (
    id SERIAL PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT,
    date TEXT,
    location TEXT,
    type TEXT,
    images TEXT,
    created_by INTEGER REFERENCES users(id) ON DELETE SET NULL,
    created_at TIMESTAMP,
    updated_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS activity_cadets (
    activity_id INTEGER NOT NULL REFERENCES activities(id) ON DELETE CASCADE,
    cadet_id INTEGER NOT NULL REFERENCES cadets(id) ON DELETE CASCADE,
    PRIMARY KEY (activity_id, cadet_id)
);

CREATE TABLE IF NOT EXISTS grade_categories (
    id SERIAL PRIMARY KEY,
    name TEXT UNIQUE NOT NULL,
    weight NUMERIC(5,2) NOT NULL,
    description TEXT
);

CREATE TABLE IF NOT EXISTS grades (
    id SERIAL PRIMARY KEY,
    cadet_id INTEGER NOT NULL REFERENCES cadets(id) ON DELETE CASCADE,
    category_id INTEGER NOT NULL REFERENCES grade_categories(id),
    term TEXT,
    score NUMERIC(6,2) NOT NULL,
    max_score NUMERIC(6,2) NOT NULL DEFAULT 100,
    status TEXT DEFAULT 'active',
    remarks TEXT,
    graded_by INTEGER REFERENCES users(id) ON DELETE SET NULL,
    created_at TIMESTAMP,
    updated_at TIMESTAMP,
    UNIQUE (cadet_id, category_id, term)
);

CREATE TABLE IF NOT EXISTS merit_demerit_logs (
    id SERIAL PRIMARY KEY,
    cadet_id INTEGER NOT NULL REFERENCES cadets(id) ON DELETE CASCADE,
    type TEXT NOT NULL CHECK (type IN ('merit', 'demerit')),
    points INTEGER NOT NULL,
    reason TEXT,
    issued_by INTEGER REFERENCES users(id) ON DELETE SET NULL,
    issued_by_name TEXT,
    date_recorded TIMESTAMP DEFAULT now()
);

CREATE TABLE IF NOT EXISTS files (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    owner_id INTEGER REFERENCES users(id) ON DELETE SET NULL,
    filename TEXT NOT NULL,
    url TEXT,
    public_id TEXT,
    mime_type TEXT,
    size BIGINT,
    metadata JSONB,
    created_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS reports (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    type TEXT NOT NULL,
    status TEXT DEFAULT 'pending',
    params JSON,
    file_id UUID REFERENCES files(id) ON DELETE SET NULL,
    requested_by INTEGER REFERENCES users(id) ON DELETE SET NULL,
    created_at TIMESTAMP,
    completed_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS messages (
    id SERIAL PRIMARY KEY,
    room TEXT NOT NULL,
    sender_id INTEGER REFERENCES users(id) ON DELETE SET NULL,
    recipient_id INTEGER REFERENCES users(id) ON DELETE SET NULL,
    subject TEXT,
    content TEXT NOT NULL,
    is_read BOOLEAN DEFAULT false,
    created_at TIMESTAMP
);

-- user_id NULL means a broadcast to everybody.
CREATE TABLE IF NOT EXISTS notifications (
    id SERIAL PRIMARY KEY,
    user_id INTEGER REFERENCES users(id) ON DELETE SET NULL,
    type TEXT NOT NULL,
    message TEXT NOT NULL,
    priority TEXT DEFAULT 'normal',
    is_read BOOLEAN DEFAULT false,
    created_at TIMESTAMP
);

-- user_id has no foreign key: subscriptions outlive their users.
CREATE TABLE IF NOT EXISTS push_subscriptions (
    id SERIAL PRIMARY KEY,
    user_id INTEGER,
    endpoint TEXT UNIQUE NOT NULL,
    keys TEXT NOT NULL,
    created_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS audit_logs (
    id BIGSERIAL PRIMARY KEY,
    table_name TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
    record_id TEXT,
    user_id INTEGER,
    payload JSONB,
    created_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS settings (
    id SERIAL PRIMARY KEY,
    key TEXT UNIQUE NOT NULL,
    value TEXT
);

-- The only table that is audited, and the database does it: the application knows nothing of it.
CREATE OR REPLACE FUNCTION audit_merit_demerit() RETURNS trigger AS $$
DECLARE
    r merit_demerit_logs;
BEGIN
    IF TG_OP = 'DELETE' THEN
        r := OLD;
    ELSE
        r := NEW;
    END IF;
    INSERT INTO audit_logs (table_name, operation, record_id, user_id, payload, created_at)
    VALUES (TG_TABLE_NAME, TG_OP, r.id::text, r.issued_by, to_jsonb(r), now());
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER merit_demerit_audit
    AFTER INSERT OR UPDATE OR DELETE ON merit_demerit_logs
    FOR EACH ROW EXECUTE FUNCTION audit_merit_demerit();
