package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/pressly/goose/v3"
)

// Migration is one step of the schema.
type Migration struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	Applied   bool      `json:"applied"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
}

// schema is what a file has of ours.
type schema struct {
	steps   []Migration // this version's, in order
	version int64       // the file's; 0 for none
	blank   bool        // nothing is in the file, not even that it is ours
}

func (s *schema) target() int64 { return s.steps[len(s.steps)-1].Version }

// Status tells the schema's steps and which the file at path has. It changes nothing.
func Status(ctx context.Context, path string) (steps []Migration, err error) {
	v, err := openView(ctx, path)
	if err != nil {
		return nil, explainView(path, err)
	}
	has, err := v.schema()
	return has.steps, explainView(path, errors.Join(err, v.close()))
}

// schema recognises the file, and refuses one that is not ours or of a newer version. It reads goose's table by itself: goose
// makes it where it is missing.
func (r *reader) schema() (has schema, err error) {
	if has.steps, err = knownSteps(); err != nil {
		return has, err
	}
	appID, err := count(r.stmt("PRAGMA application_id"))
	if err != nil {
		return has, err
	}
	tables, err := count(r.stmt("SELECT count(*) FROM sqlite_schema"))
	if err != nil {
		return has, err
	}
	if has.blank = appID == 0 && tables == 0; !has.blank && appID != applicationID {
		return has, errForeign
	}
	made, err := count(r.stmt("SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'"))
	if err != nil || made == 0 {
		return has, err
	}
	if err := r.applied(&has); err != nil {
		return has, err
	}
	if has.version > has.target() {
		return has, newer(has.version, has.target())
	}
	return has, nil
}

// applied reads which steps the file has.
func (r *reader) applied(has *schema) error {
	q := r.stmt("SELECT version_id, unixepoch(tstamp) FROM goose_db_version WHERE is_applied AND version_id > 0")
	return q.each(func() {
		version, at := q.nextInt(), q.nextInt()
		has.version = max(has.version, version)
		for i := range has.steps {
			if step := &has.steps[i]; step.Version == version {
				step.Applied, step.AppliedAt = true, time.Unix(at, 0).UTC()
			}
		}
	})
}

func newer(version, known int64) error {
	return fmt.Errorf("%w (it is at schema %d, this version knows %d)", errNewer, version, known)
}

// knownSteps are the steps that this version knows.
func knownSteps() (steps []Migration, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql") // in order
	for _, file := range files {
		version, err := goose.NumericComponent(file)
		if err != nil {
			return nil, err
		}
		steps = append(steps, Migration{Version: version, Name: path.Base(file)})
	}
	return steps, err
}
