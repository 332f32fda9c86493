-- The roles that Supabase has: PostgREST comes as `authenticator` and becomes the role that a key names.
\set ON_ERROR_STOP on
\getenv authenticator_password AUTHENTICATOR_PASSWORD

create role anon nologin;
create role authenticated nologin;
-- Of the service key: row-level security does not hold it back.
create role service_role nologin bypassrls;
create role authenticator login noinherit password :'authenticator_password';
grant anon, authenticated, service_role to authenticator;

grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to service_role;
