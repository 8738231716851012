-- Run once by PostgreSQL's first start. The owner's role migrates; the application's role works and owns nothing,
-- so it can neither switch off the triggers that keep the ledger append-only nor truncate its tables.
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD

CREATE ROLE chipledger_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE chipledger_app LOGIN PASSWORD :'app_password';

SELECT current_database() AS database \gset
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY, CREATE ON DATABASE :"database" TO chipledger_owner;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO chipledger_app;

ALTER SCHEMA public OWNER TO chipledger_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO chipledger_app;

ALTER DEFAULT PRIVILEGES FOR ROLE chipledger_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO chipledger_app;
ALTER DEFAULT PRIVILEGES FOR ROLE chipledger_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO chipledger_app;
