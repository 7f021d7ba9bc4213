"""What AWS takes, in dollars: the region us-east-1 (N. Virginia), on demand, without discounts and free tiers.

Looked up on 28 November 2026. AWS changes prices: compare them with its own pages before you rely on a sum.

* DynamoDB, "Pricing for On-Demand Capacity", table class Standard: request units as they are since they were halved in November 2024,
  and storage.
* SQS, "Amazon SQS pricing": standard queues, the first 100 billion requests of a month. The surcharge for messages
  with a group, which makes a queue fair, is from what others write about that page; it is taken on all
  requests, so that it is rather too much.
* Fargate, "AWS Fargate pricing": Linux on x86. On ARM both cost a fifth less.
* "Elastic Load Balancing pricing": the hours of an Application Load Balancer without its capacity units.
"""

from dataclasses import dataclass, fields

from tests.bench.measures import Figures

MILLION = 1e6
HOURS_A_MONTH = 730

WRITE_UNIT = 0.625 / MILLION
READ_UNIT = 0.125 / MILLION
STORED_GB_MONTH = 0.25
QUEUE_REQUEST = 0.40 / MILLION
FAIR_QUEUE_REQUEST = 0.10 / MILLION  # on top
VCPU_HOUR = 0.04048
MEMORY_GB_HOUR = 0.004445
BALANCER_HOUR = 0.0225

# Of the smallest task of Fargate; larger ones may have as much memory for each vCPU.
TASK_VCPUS, TASK_GB = 0.25, 0.5
BUSY_SHARE = (
    0.5  # how busy a task is on average: the rest is for peaks, and for a task that is lost
)
BYTES_A_GB = 1e9


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is used of AWS. Processor time is what is worked, task hours are what is paid for."""

    write_units: float = 0
    read_units: float = 0
    requests: float = 0
    processor_seconds: float = 0
    task_hours: float = 0
    byte_hours: float = 0

    def times(self, number: float) -> "Usage":
        """Return so many times as much."""
        return Usage(**{field.name: getattr(self, field.name) * number for field in fields(self)})


def bill(usage: Usage) -> Figures:
    """Return what that costs, in dollars, by what it is for."""
    busy_hours = usage.processor_seconds / 3600 / BUSY_SHARE / TASK_VCPUS
    task_hour = TASK_VCPUS * VCPU_HOUR + TASK_GB * MEMORY_GB_HOUR
    return {
        "DynamoDB, writes": usage.write_units * WRITE_UNIT,
        "DynamoDB, reads": usage.read_units * READ_UNIT,
        "DynamoDB, storage": usage.byte_hours / BYTES_A_GB / HOURS_A_MONTH * STORED_GB_MONTH,
        "SQS": usage.requests * (QUEUE_REQUEST + FAIR_QUEUE_REQUEST),
        "Fargate": (busy_hours + usage.task_hours) * task_hour,
    }


def with_total(dollars: Figures) -> Figures:
    """Return amounts with their sum."""
    return {**dollars, "together": sum(dollars.values())}
