package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// jsonLinesConfig names the file that an exporter appends to.
type jsonLinesConfig struct {
	Path string `mapstructure:"path"`
}

func (c *jsonLinesConfig) Validate() error {
	if c.Path == "" {
		return errors.New("path is empty")
	}
	return nil
}

// point is one line: a data point of a gauge or a sum.
type point struct {
	Time   float64        `json:"time"` // when it was scraped, seconds since 1970
	Metric string         `json:"metric"`
	Job    string         `json:"job"`
	Target string         `json:"target"` // the label `instance`
	Value  float64        `json:"value"`
	Stale  bool           `json:"stale"` // a stale marker: the series has ended
	Labels map[string]any `json:"labels"`
}

func jsonLinesFactory() exporter.Factory {
	return exporter.NewFactory(
		component.MustNewType("json_lines"),
		func() component.Config { return &jsonLinesConfig{} },
		exporter.WithMetrics(
			func(_ context.Context, _ exporter.Settings, config component.Config) (exporter.Metrics, error) {
				return &jsonLines{path: config.(*jsonLinesConfig).Path}, nil
			},
			component.StabilityLevelDevelopment))
}

// jsonLines writes each batch at once, and whole lines only. Other kinds of
// metrics than gauges and sums are left out: the tests' targets have none.
type jsonLines struct {
	path  string
	mutex sync.Mutex // guards all below
	file  *os.File
	out   *bufio.Writer
}

func (e *jsonLines) Start(context.Context, component.Host) error {
	file, err := os.OpenFile(e.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	e.file = file
	e.out = bufio.NewWriterSize(file, 1<<20)
	return nil
}

func (e *jsonLines) Shutdown(context.Context) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return errors.Join(e.out.Flush(), e.file.Close())
}

func (*jsonLines) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (e *jsonLines) ConsumeMetrics(_ context.Context, metrics pmetric.Metrics) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	encoder := json.NewEncoder(e.out)
	for _, resource := range metrics.ResourceMetrics().All() {
		attributes := resource.Resource().Attributes()
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				for _, data := range points(metric).All() {
					line := point{
						Time:   float64(data.Timestamp()) / 1e9,
						Metric: metric.Name(),
						Job:    text(attributes, "service.name"),
						Target: text(attributes, "service.instance.id"),
						Value:  value(data),
						Stale:  data.Flags().NoRecordedValue(),
						Labels: data.Attributes().AsRaw(),
					}
					if err := encoder.Encode(line); err != nil {
						return err
					}
				}
			}
		}
	}
	return e.out.Flush()
}

func points(metric pmetric.Metric) pmetric.NumberDataPointSlice {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		return metric.Gauge().DataPoints()
	case pmetric.MetricTypeSum:
		return metric.Sum().DataPoints()
	}
	return pmetric.NewNumberDataPointSlice()
}

func value(data pmetric.NumberDataPoint) float64 {
	if data.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(data.IntValue())
	}
	return data.DoubleValue()
}

func text(attributes pcommon.Map, name string) string {
	found, _ := attributes.Get(name)
	return found.AsString()
}
