"""classes members and registrations

The first tables.
"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None


def upgrade() -> None:
    op.create_table('courses',
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('hours', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.CheckConstraint("kind IN ('course', 'conference')", name=op.f('ck_courses_kind')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_courses')),
    comment='The catalogue: courses, and the conference'
    )
    op.create_table('members',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('external_id', sa.String(length=64), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False, comment='In lower case'),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=2), nullable=True),
    sa.Column('membership', sa.String(length=50), nullable=True, comment='Its type; NULL for an account without one'),
    sa.Column('member_until', sa.Date(), nullable=True),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_members_email')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_members')),
    sa.UniqueConstraint('email', name=op.f('uq_members_email')),
    sa.UniqueConstraint('external_id', name=op.f('uq_members_external_id')),
    comment='Accounts: one for each individual, whose e-mail address is the login'
    )
    op.create_table('classes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('external_id', sa.String(length=64), nullable=False),
    sa.Column('course_code', sa.String(length=20), nullable=False),
    sa.Column('city', sa.String(length=100), nullable=False),
    sa.Column('state', sa.String(length=2), nullable=False),
    sa.Column('zip_code', sa.String(length=5), nullable=True),
    sa.Column('venue', sa.String(length=200), nullable=True),
    sa.Column('latitude', sa.Float(), nullable=True, comment="NULL, as the longitude, where the map doesn't know it"),
    sa.Column('longitude', sa.Float(), nullable=True),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False, comment="First day, in the class's zone"),
    sa.Column('ends_on', sa.Date(), nullable=False, comment="Last day, in the class's zone"),
    sa.Column('timezone', sa.String(length=64), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('visibility', sa.String(length=20), nullable=False),
    sa.Column('register_url', sa.String(length=500), nullable=True),
    sa.Column('host', sa.String(length=200), nullable=True),
    sa.CheckConstraint("status IN ('scheduled', 'cancelled', 'postponed')", name=op.f('ck_classes_status')),
    sa.CheckConstraint("visibility IN ('public', 'contract')", name=op.f('ck_classes_visibility')),
    sa.CheckConstraint('(latitude IS NULL) = (longitude IS NULL)', name=op.f('ck_classes_coordinates')),
    sa.CheckConstraint('capacity > 0', name=op.f('ck_classes_capacity')),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_classes_dates')),
    sa.ForeignKeyConstraint(['course_code'], ['courses.code'], name=op.f('fk_classes_course_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_classes')),
    sa.UniqueConstraint('external_id', name=op.f('uq_classes_external_id')),
    comment='A course, or the conference, at a place and dates'
    )
    offered = "visibility = 'public' AND status = 'scheduled'"
    courses = f"{offered} AND course_code <> 'conference'"
    op.create_index('ix_classes_by_course', 'classes', ['course_code', 'starts_at', 'starts_on'], unique=False, sqlite_where=sa.text(offered), postgresql_where=sa.text(offered))
    op.create_index('ix_classes_by_date', 'classes', ['starts_at', 'course_code', 'starts_on'], unique=False, sqlite_where=sa.text(courses), postgresql_where=sa.text(courses))
    op.create_index('ix_classes_by_place', 'classes', ['latitude', 'longitude', 'starts_at', 'course_code', 'starts_on'], unique=False, sqlite_where=sa.text(courses), postgresql_where=sa.text(courses))
    op.create_index('ix_classes_by_state', 'classes', ['state', 'starts_at', 'course_code', 'starts_on'], unique=False, sqlite_where=sa.text(courses), postgresql_where=sa.text(courses))

    op.create_table('registrations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('external_id', sa.String(length=64), nullable=False),
    sa.Column('member_id', sa.Integer(), nullable=False),
    sa.Column('class_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status IN ('registered', 'attended', 'cancelled', 'transferred')", name=op.f('ck_registrations_status')),
    sa.ForeignKeyConstraint(['class_id'], ['classes.id'], name=op.f('fk_registrations_class_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_registrations_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_registrations')),
    sa.UniqueConstraint('external_id', name=op.f('uq_registrations_external_id')),
    comment="A member's place in a class"
    )
    op.create_index(op.f('ix_registrations_class_id_status'), 'registrations', ['class_id', 'status'], unique=False)
    op.create_index(op.f('ix_registrations_member_id'), 'registrations', ['member_id'], unique=False)
    active = "status IN ('registered', 'attended')"
    op.create_index('uq_registrations_active', 'registrations', ['member_id', 'class_id'], unique=True, sqlite_where=sa.text(active), postgresql_where=sa.text(active))

    op.create_table('certificates',
    sa.Column('registration_id', sa.Integer(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['registration_id'], ['registrations.id'], name=op.f('fk_certificates_registration_id')),
    sa.PrimaryKeyConstraint('registration_id', name=op.f('pk_certificates')),
    comment='The certificate of a class that a member attended'
    )
    op.create_table('evaluations',
    sa.Column('registration_id', sa.Integer(), nullable=False),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['registration_id'], ['registrations.id'], name=op.f('fk_evaluations_registration_id')),
    sa.PrimaryKeyConstraint('registration_id', name=op.f('pk_evaluations')),
    comment='Completed after attending; unlocks the certificate'
    )


def downgrade() -> None:
    op.drop_table('evaluations')
    op.drop_table('certificates')
    op.drop_index('uq_registrations_active', 'registrations')
    op.drop_index(op.f('ix_registrations_member_id'), 'registrations')
    op.drop_index(op.f('ix_registrations_class_id_status'), 'registrations')

    op.drop_table('registrations')
    op.drop_index('ix_classes_by_state', 'classes')
    op.drop_index('ix_classes_by_place', 'classes')
    op.drop_index('ix_classes_by_date', 'classes')
    op.drop_index('ix_classes_by_course', 'classes')

    op.drop_table('classes')
    op.drop_table('members')
    op.drop_table('courses')
