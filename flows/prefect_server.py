"""Prefect's server as `ecom-llm up` starts it: on SQLite, what changes something waits its turn.

A transaction that reads before it writes, begun as SQLite's deferred kind, is refused at once when another one wrote
in between (SQLITE_BUSY; no timeout helps), and Prefect answers 503. Its client asks again, its pages do not: a run
submitted in the form was lost, one in six on busy cores. Begun as IMMEDIATE it waits instead, for as long as Prefect's
own busy timeout. SQLite has one writer at a time in any case, and reads begin no transaction.
"""

from contextlib import AbstractAsyncContextManager

from prefect.cli import app
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

begin_transaction = AioSqliteConfiguration.begin_transaction


def begin_immediate(
    configuration: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = False
) -> AbstractAsyncContextManager[AsyncSessionTransaction]:
    """Prefect's own, that takes the lock of a write whether or not the caller asks `with_for_update`."""
    return begin_transaction(configuration, session, with_for_update=True)


if __name__ == "__main__":
    AioSqliteConfiguration.begin_transaction = begin_immediate
    app()
