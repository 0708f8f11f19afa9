"""imports can be undone

Files that are loaded leave a trace, and the newest can be taken back.
"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    op.create_table('imports',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('loaded_by', sa.String(length=254), nullable=False),
    sa.Column('loaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created', sa.Integer(), nullable=False),
    sa.Column('updated', sa.Integer(), nullable=False),
    sa.Column('unchanged', sa.Integer(), nullable=False),
    sa.Column('undone_by', sa.String(length=254), nullable=True),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imports')),
    comment='Files that were loaded, and by whom'
    )
    op.create_table('import_changes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('import_id', sa.Integer(), nullable=False),
    sa.Column('table_name', sa.String(length=30), nullable=False),
    sa.Column('row_id', sa.Integer(), nullable=False),
    sa.Column('before', sa.JSON(none_as_null=True), nullable=True, comment='The whole row; NULL where it is new'),
    sa.Column('after', sa.String(length=64), nullable=False, comment='SHA-256 of the row as it was left'),
    sa.ForeignKeyConstraint(['import_id'], ['imports.id'], name=op.f('fk_import_changes_import_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_changes')),
    comment='Rows that the newest import wrote, in the order of writing'
    )


def downgrade() -> None:
    op.drop_table('import_changes')
    op.drop_table('imports')
