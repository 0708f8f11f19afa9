"""look-ups begin with the first day

What is asked for from a day on begins with that day in an index, not with what begins about then elsewhere.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'

OFFERED = "visibility = 'public' AND status = 'scheduled'"
COURSES = f"{OFFERED} AND course_code <> 'conference'"
CELL = ['round(latitude / 2)', 'round(longitude / 2)']
SMALL_CELL = ['round(latitude / 0.25)', 'round(longitude / 0.25)']
POSITION = ['latitude', 'longitude']
TOWN = ["lower(city || ', ' || state)"]
IN_TOWN = f'{COURSES} AND latitude IS NULL'


def upgrade() -> None:
    in_order = ['starts_on', 'starts_at', 'id']
    by_date, by_course = [*in_order, 'course_code'], ['course_code', *in_order]
    replace_all(by_date, by_course, ['course_code', 'starts_on', 'starts_at'])
    create('ix_classes_by_small_cell', [*SMALL_CELL, *by_date, *POSITION])
    create('ix_classes_by_small_cell_and_course', [*SMALL_CELL, *by_course, *POSITION])
    create('ix_classes_by_town_and_course', [*TOWN, *by_course], IN_TOWN)
    if is_postgresql():
        # Of an expression it knows what it has seen in its index.
        op.execute('ANALYZE classes')


def downgrade() -> None:
    for name in ('small_cell', 'small_cell_and_course', 'town_and_course'):
        op.drop_index(f'ix_classes_by_{name}', 'classes')
    in_order = ['starts_at', 'id']
    replace_all(
        [*in_order, 'course_code', 'starts_on'],
        ['course_code', *in_order, 'starts_on'],
        ['course_code', 'starts_at', 'starts_on'],
    )


def replace_all(by_date: list[str], by_course: list[str], of_all: list[str]) -> None:
    replace('ix_classes_by_state', ['state', *by_date])
    replace('ix_classes_by_state_and_course', ['state', *by_course])
    replace('ix_classes_by_cell', [*CELL, *by_date, *POSITION])
    replace('ix_classes_by_cell_and_course', [*CELL, *by_course, *POSITION])
    replace('ix_classes_by_town', [*TOWN, *by_date], IN_TOWN)
    replace('ix_classes_by_date', by_date)
    replace('ix_classes_by_course', of_all, OFFERED)


def replace(name: str, columns: list[str], condition: str = COURSES) -> None:
    """Makes an index anew, and does without the old one when it is made."""
    if is_postgresql():
        create(f'{name}_new', columns, condition)
        op.drop_index(name, 'classes')
        op.execute(f'ALTER INDEX {name}_new RENAME TO {name}')
    else:
        op.drop_index(name, 'classes')
        create(name, columns, condition)


def create(name: str, columns: list[str], condition: str = COURSES) -> None:
    """Makes an index. On PostgreSQL nobody who reads or writes waits until it is made."""
    listed = [sa.text(column) if '(' in column else column for column in columns]
    where = {'sqlite_where': sa.text(condition), 'postgresql_where': sa.text(condition)}
    if is_postgresql():
        with op.get_context().autocommit_block():
            # An upgrade that was broken off may have left it.
            op.execute(f'DROP INDEX CONCURRENTLY IF EXISTS {name}')
            op.create_index(name, 'classes', listed, postgresql_concurrently=True, **where)
    else:
        op.create_index(name, 'classes', listed, **where)


def is_postgresql() -> bool:
    return op.get_context().dialect.name == 'postgresql'
