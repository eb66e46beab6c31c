"""Forms of the desk's pages that were sent: one that is sent again does nothing, however often and from wherever."""

from broker import limits
from broker.sql.bulk import Connection


async def first_time(connection: Connection, key: str) -> bool:
    """Whether this form is sent for the first time, in the transaction of what it does; older ones are forgotten.

    Whoever sends it at the same moment waits until that transaction has ended.
    """
    await connection.execute(
        "DELETE FROM desk_form WHERE sent_at < clock_timestamp() - make_interval(hours => $1)", limits.desk_form_hours
    )
    done = await connection.execute(
        "INSERT INTO desk_form (form_key, sent_at) VALUES ($1, clock_timestamp()) ON CONFLICT DO NOTHING", key
    )
    return str(done) == "INSERT 0 1"
