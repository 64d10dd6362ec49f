-- handle --
-- Note what somebody did about an alarm; nothing happens where there is no such alarm.
INSERT INTO alarm_handling (alarm, made_by, action, shelved_until_at, assigned_to, note)
SELECT %(alarm)s, %(made_by)s, %(action)s, %(shelved_until)s, %(assigned_to)s, %(note)s
WHERE EXISTS (SELECT FROM alarm WHERE id = %(alarm)s)
RETURNING id;

-- tell --
-- Wake who follows the live stream, at the commit.
SELECT pg_notify('andaman_alarm', %(alarm)s::text);

-- handler --
-- Whether an account may handle alarms and may sign in.
SELECT EXISTS (
    SELECT FROM app_user WHERE name = %(name)s AND role IN ('operator', 'admin') AND disabled_at IS NULL
);
