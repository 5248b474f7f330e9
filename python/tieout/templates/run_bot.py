"""Start the bot in this workspace. It is `tieout run`; config/local_reconcile.yml says what it may do."""

from tieout.app import main

raise SystemExit(main())
