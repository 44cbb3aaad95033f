// Status codes for the host after a part of a message, at the end of its call.
import { scratch } from '../memory/scratch';
import { DataStatus, TrailersStatus } from './abi';
import { Progress } from './progress';

export function dataStatus(progress: Progress): DataStatus {
  scratch.reset();
  if (progress == Progress.Goes) return DataStatus.Continue;
  return progress == Progress.Stays ? DataStatus.StopIterationAndBuffer : DataStatus.StopIterationNoBuffer;
}

export function trailersStatus(progress: Progress): TrailersStatus {
  scratch.reset();
  return progress == Progress.Goes ? TrailersStatus.Continue : TrailersStatus.StopIteration;
}
