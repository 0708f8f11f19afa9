"""look-ups in the order of dates

Each question about a place reads an index from its first date on and stops when it has enough.
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'

OFFERED = "visibility = 'public' AND status = 'scheduled'"
COURSES = f"{OFFERED} AND course_code <> 'conference'"
CELL = ['round(latitude / 2)', 'round(longitude / 2)']
BY_DATE = ['starts_at', 'id', 'course_code', 'starts_on']
BY_COURSE = ['course_code', 'starts_at', 'id', 'starts_on']
POSITION = ['latitude', 'longitude']
TOWN = ["lower(city || ', ' || state)"]


def create(name: str, columns: list[str], condition: str = COURSES) -> None:
    op.create_index(name, 'classes', [sa.text(column) if '(' in column else column for column in columns], unique=False, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def upgrade() -> None:
    for name in ('by_state', 'by_date', 'by_place'):
        op.drop_index(f'ix_classes_{name}', 'classes')
    create('ix_classes_by_state', ['state', *BY_DATE])
    create('ix_classes_by_state_and_course', ['state', *BY_COURSE])
    create('ix_classes_by_cell', [*CELL, *BY_DATE, *POSITION])
    create('ix_classes_by_cell_and_course', [*CELL, *BY_COURSE, *POSITION])
    create('ix_classes_by_town', [*TOWN, *BY_DATE], f'{COURSES} AND latitude IS NULL')
    create('ix_classes_by_date', BY_DATE)


def downgrade() -> None:
    for name in ('by_state', 'by_state_and_course', 'by_cell', 'by_cell_and_course', 'by_town', 'by_date'):
        op.drop_index(f'ix_classes_{name}', 'classes')
    create('ix_classes_by_date', ['starts_at', 'course_code', 'starts_on'])
    create('ix_classes_by_place', ['latitude', 'longitude', 'starts_at', 'course_code', 'starts_on'])
    create('ix_classes_by_state', ['state', 'starts_at', 'course_code', 'starts_on'])
