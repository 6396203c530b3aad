package app

import (
	"log/slog"

	"go.uber.org/fx"

	"scrip/internal/config"
	"scrip/internal/metrics"
	"scrip/internal/seal"
	"scrip/internal/store"
)

// sealModule is made before the use cases, and so ends after them: what they wrote last is sealed too.
func sealModule() fx.Option {
	return fx.Module("seal", fx.Provide(newSealer), fx.Invoke(func(*seal.Service) {}))
}

func newSealer(
	lc fx.Lifecycle, down fx.Shutdowner, l *life, cfg config.Config, log *slog.Logger, m *metrics.Metrics, s store.Store,
) *seal.Service {
	sv := seal.New(seal.Config{Interval: cfg.SealInterval, Log: log}, s)
	if cfg.SealInterval != 0 {
		m.WatchSeals(func() metrics.Seals { return sealsOf(sv.State()) })
	}
	hooks(lc, down, l, part{run: sv.Run, close: sv.Close})
	return sv
}

func sealsOf(st seal.State) metrics.Seals {
	told := metrics.Seals{Waiting: st.Waiting, Since: st.Since, Made: st.Made, Failed: st.Failed, Backfilling: st.Backfilling}
	if st.Newest != nil {
		told.Number, told.Total, told.At, told.Hash = st.Newest.Number, st.Newest.Total, st.Newest.At, st.Newest.Hash
	}
	return told
}
