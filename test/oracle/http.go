package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/http"
)

// httpRequest asks a server once. All requests of one URL are one discoverer's,
// in order.
type httpRequest struct {
	URL       string `json:"url"`
	TimeoutMS int    `json:"timeout_ms"`
}

type httpGroup struct {
	Source  string           `json:"source"`
	Labels  model.LabelSet   `json:"labels"`
	Targets []model.LabelSet `json:"targets"` // empty: the group is gone
}

// httpAnswer is what discovery would send: nothing but the error, or groups that
// each replace the one with its source.
type httpAnswer struct {
	Error  string      `json:"error,omitempty"`
	Groups []httpGroup `json:"groups"`
}

// newHTTP returns what answers, which keeps a discoverer for each URL.
func newHTTP() func(httpRequest) httpAnswer {
	discoverers := map[string]*http.Discovery{}
	return func(request httpRequest) httpAnswer {
		discoverer := discoverers[request.URL]
		if discoverer == nil {
			config := http.DefaultSDConfig
			config.URL = request.URL
			config.RefreshInterval = model.Duration(time.Duration(request.TimeoutMS) * time.Millisecond)
			registry := prometheus.NewRegistry()
			metrics := config.NewDiscovererMetrics(registry, discovery.NewRefreshMetrics(registry))
			made, err := http.NewDiscovery(&config, discovery.DiscovererOptions{
				Logger:  promslog.NewNopLogger(),
				Metrics: metrics,
				SetName: "oracle",
			})
			if err != nil {
				return httpAnswer{Error: err.Error()}
			}
			discoverer = made
			discoverers[request.URL] = made
		}
		found, err := discoverer.Refresh(context.Background())
		if err != nil {
			return httpAnswer{Error: err.Error()}
		}
		answer := httpAnswer{Groups: []httpGroup{}}
		for _, group := range found {
			answer.Groups = append(answer.Groups, httpGroup{group.Source, group.Labels, group.Targets})
		}
		return answer
	}
}
