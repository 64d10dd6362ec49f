-- add_user --
-- A new account; nothing happens where the name is taken.
INSERT INTO app_user (name, role, password_hash) VALUES (%(name)s, %(role)s, %(password_hash)s)
ON CONFLICT (name) DO NOTHING
RETURNING name;

-- set_password --
-- A new password; sessions opened before are void.
UPDATE app_user SET password_hash = %(password_hash)s, changed_at = clock_timestamp() WHERE name = %(name)s RETURNING name;

-- rehash --
-- The same password hashed with today's parameters; sessions stay.
UPDATE app_user SET password_hash = %(password_hash)s WHERE name = %(name)s AND password_hash = %(before)s;

-- set_role --
-- Another role; sessions opened before are void.
UPDATE app_user SET role = %(role)s, changed_at = clock_timestamp() WHERE name = %(name)s RETURNING name;

-- set_disabled --
-- Take away or give back the right to sign in; sessions opened before are void.
UPDATE app_user
SET disabled_at = CASE WHEN %(disabled)s THEN coalesce(disabled_at, clock_timestamp()) END, changed_at = clock_timestamp()
WHERE name = %(name)s
RETURNING name;

-- user --
-- An account with its password hash.
SELECT name, role, password_hash, disabled_at IS NOT NULL FROM app_user WHERE name = %(name)s;

-- users --
-- Every account.
SELECT name, role, disabled_at IS NOT NULL FROM app_user ORDER BY name;

-- open_session --
-- Note a session by the hash of its secret.
INSERT INTO session (hash, name, expires_at)
VALUES (%(hash)s, %(name)s, clock_timestamp() + make_interval(secs => %(lifetime_s)s));

-- session --
-- A session that has not ended, of an account that has neither changed since nor been disabled.
SELECT s.name, u.role, s.expires_at
FROM session s
JOIN app_user u ON u.name = s.name
WHERE s.hash = %(hash)s AND s.expires_at > clock_timestamp() AND s.opened_at >= u.changed_at AND u.disabled_at IS NULL;

-- close_session --
-- Sign out.
DELETE FROM session WHERE hash = %(hash)s;

-- drop_ended --
-- Sweep out sessions that have ended.
DELETE FROM session WHERE expires_at < clock_timestamp();

-- audit --
-- Append to the chained audit log.
SELECT audit_append(%(actor)s, %(role)s, %(action)s, %(subject)s, %(purpose)s, %(case_no)s, %(detail)s);
